/**
 * For servers on loopback in tests only: self-signed, for localhost and 127.0.0.1, a hundred years. The key is public.
 * `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=localhost \
 *   -addext subjectAltName=IP:127.0.0.1,DNS:localhost`
 */
const pem = (label: string, lines: readonly string[]): string =>
  [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');

export const certificate = pem('CERTIFICATE', [
  'MIIBmjCCAUGgAwIBAgIUQ5Z0OWQRBew33P1/nb0VXZtOJzEwCgYIKoZIzj0EAwIw',
  'FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDE4NTQxM1oYDzIxMjYxMDMx',
  'MTg1NDEzWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO',
  'PQMBBwNCAAS0RGqcNSisXiwdFwtXseQIPBdTGmUq4oNBlLKOFiMIR0raHAxqqLH3',
  'hUXYDo8gDbsLHL/tuPehcLZZTakyD2wNo28wbTAdBgNVHQ4EFgQUdKspBZdGVSai',
  'l5PDYKzo59g983IwHwYDVR0jBBgwFoAUdKspBZdGVSail5PDYKzo59g983IwDwYD',
  'VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARhwR/AAABgglsb2NhbGhvc3QwCgYIKoZI',
  'zj0EAwIDRwAwRAIgZlN8PhELLlC6EuE1NiL9Ky6ughUwHsqDjiKkChE5oJsCIHqV',
  'kyHsVWRiSjFcLvgV6yD/w8mMiz1jBygGKc0SpvMR',
]);

export const privateKey = pem('PRIVATE KEY', [
  'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgUqsU3T88vCH819Kj',
  'jyOAUVOV9jcW+vJpefOlTIzO1oChRANCAAS0RGqcNSisXiwdFwtXseQIPBdTGmUq',
  '4oNBlLKOFiMIR0raHAxqqLH3hUXYDo8gDbsLHL/tuPehcLZZTakyD2wN',
]);
