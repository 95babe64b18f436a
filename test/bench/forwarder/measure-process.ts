/** What Linux says of a process (proc(5)). */
import { readFileSync } from 'node:fs';

export interface ProcessUsage {
  /** User and system, seconds. */
  cpu: number;
  /** Megabytes (10⁶ bytes) now, of them private and of files, and at the most so far. */
  rss: number;
  anonymous: number;
  file: number;
  peak: number;
}

/** Of `sysconf(_SC_CLK_TCK)`, which is 100 on every Linux that Node runs on. */
const ticks = 100;

export function measureProcess(pid: number): ProcessUsage {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (name: string) => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status);
    return (Number(found?.[1] ?? 0) * 1024) / 1e6;
  };
  // The name before the last parenthesis may hold anything; utime and stime are the 14th and 15th fields.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
  return {
    cpu: (Number(fields[11]) + Number(fields[12])) / ticks,
    rss: megabytes('VmRSS'),
    anonymous: megabytes('RssAnon'),
    file: megabytes('RssFile'),
    peak: megabytes('VmHWM'),
  };
}
