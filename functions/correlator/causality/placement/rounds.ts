import { below, type PlacementRule } from './placement-rule.ts';

export const restartRound: PlacementRule = {
  name: 'restart-round',
  why: 'the kubelet restarts this container: its failed probe, its killing and its next start are one round',
  place(occurrence, _, world) {
    const above = world.roundOf.get(occurrence);
    return above === undefined ? undefined : below(above, 'time');
  },
};
