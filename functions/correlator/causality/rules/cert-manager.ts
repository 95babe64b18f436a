/** cert-manager: Certificate, CertificateRequest, Order and Challenge each make the next. */
import type { EventRow } from './event-row.ts';

export const certManagerRows: readonly EventRow[] = [
  {
    subject: 'Certificate',
    reason: 'Requested',
    message: /^Created new CertificateRequest resource "(?<name>[^"]+)"$/,
    effect: 'creates',
    target: 'CertificateRequest',
    controls: true,
    example: 'Created new CertificateRequest resource "shop-tls-1"',
    source:
      'cert-manager/cert-manager pkg/controller/certificates/requestmanager/requestmanager_controller.go',
  },
  {
    subject: 'CertificateRequest',
    reason: 'OrderCreated',
    message: /^Created Order resource (?<namespace>[^/\s]+)\/(?<name>\S+)$/,
    effect: 'creates',
    target: 'Order',
    controls: true,
    example: 'Created Order resource shop/shop-tls-1-2406115214',
    source: 'cert-manager/cert-manager pkg/controller/certificaterequests/acme/acme.go',
  },
  {
    subject: 'Order',
    reason: 'Created',
    message: /^Created Challenge resource "(?<name>[^"]+)" for domain "/,
    effect: 'creates',
    target: 'Challenge',
    controls: true,
    example: 'Created Challenge resource "shop-tls-1-2406115214-1" for domain "shop.example"',
    source: 'cert-manager/cert-manager pkg/controller/acmeorders/sync.go',
  },
];
