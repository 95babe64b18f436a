/**
 * What `helm test` runs, in the forwarder's own image: every replica answers and is ready, one of them leads, and what it has
 * read is acknowledged by the stream. Tried again for as long as a fresh install may take; the last answer is what is told.
 */
import { lookup } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const { FORWARDER = '', PORT = '8080', PATIENCE_SECONDS = '90' } = process.env;

const ask = async (address, path) => {
  const host = address.includes(':') ? `[${address}]` : address;
  const response = await fetch(`http://${host}:${PORT}${path}`, { signal: AbortSignal.timeout(5000) });
  return { ok: response.ok, text: (await response.text()).trim() };
};

/** The sum over all labels; of a figure that is not told, 0. */
const figure = (metrics, name) =>
  metrics
    .split('\n')
    .filter((line) => line.startsWith(`rootspan_forwarder_${name}`) && !line.startsWith('#'))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);

async function lookAt(address) {
  try {
    const [ready, { text: metrics }] = await Promise.all([ask(address, '/readyz'), ask(address, '/metrics')]);
    const failing = /^rootspan_forwarder_put_failing_seconds\{reason="([\w-]+)"\}/m.exec(metrics)?.[1];
    return {
      leads: figure(metrics, 'leader'),
      records: figure(metrics, 'records_total'),
      waiting: figure(metrics, 'channel_bytes'),
      problems: [
        ...(ready.ok ? [] : [`${address} is not ready: ${ready.text}`]),
        ...(failing === undefined ? [] : [`${address} ships nothing, reason: ${failing}`]),
      ],
    };
  } catch (error) {
    const problems = [`${address} does not answer on port ${PORT}: ${error.cause?.code ?? error.message}`];
    return { leads: 0, records: 0, waiting: 0, problems };
  }
}

async function check() {
  const addresses = await lookup(FORWARDER, { all: true }).catch(() => []);
  if (addresses.length === 0) return { problems: [`no pod has an address yet (${FORWARDER})`] };
  const replicas = await Promise.all(addresses.map(({ address }) => lookAt(address)));
  const total = (key) => replicas.reduce((sum, replica) => sum + replica[key], 0);
  const problems = replicas.flatMap((replica) => replica.problems);
  if (problems.length === 0 && total('leads') === 0) problems.push('no replica leads');
  if (problems.length === 0 && total('records') === 0 && total('waiting') > 0)
    problems.push('observations are on their way, and none is acknowledged yet');
  return { problems, told: `${replicas.length} ready, one leads, ${total('records')} records acknowledged` };
}

const until = Date.now() + Number(PATIENCE_SECONDS) * 1000;
let seen = await check();
while (seen.problems.length > 0 && Date.now() < until) {
  await sleep(1000);
  seen = await check();
}
if (seen.problems.length > 0) {
  console.error(`${seen.problems.join('\n')}\nrootspan doctor says what mends it`);
  process.exit(1);
}
console.log(seen.told);
