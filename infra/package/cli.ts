/** What the package's `bin` runs. */
import './node-22.ts';
import '../local/rootspan.ts';
