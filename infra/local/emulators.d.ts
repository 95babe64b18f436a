/** The two emulators that come without types: what is used of them here. Without `path` all is in memory. */
declare module 'kinesalite' {
  import type { Server } from 'node:http';

  /** Milliseconds that a new or changed stream stays in its transient state. */
  export default function kinesalite(options: {
    createStreamMs: number;
    updateStreamMs: number;
    shardLimit: number;
  }): Server;
}

declare module 'dynalite' {
  import type { Server } from 'node:http';

  export default function dynalite(options: { createTableMs: number }): Server;
}
