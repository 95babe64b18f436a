/** The handler of the spans queue: what the emitter says of each message becomes its answer, its log and its figures. */
import type { EmitRemark, EmitResult, SpansQueueEvent } from './emit.ts';

export interface DeliveryPorts {
  emit(event: SpansQueueEvent): Promise<EmitResult>;
  log(remark: DeliveryRemark): void;
}

export type DeliveryRemark =
  | EmitRemark
  | ({ kind: 'emitted'; messages: number; undelivered: number } & Figures);

type Figures = Pick<EmitResult, 'exported' | 'rejected' | 'refused' | 'kept' | 'requests'>;

export function createDelivery({ emit, log }: DeliveryPorts) {
  return async (event: SpansQueueEvent): Promise<Pick<EmitResult, 'batchItemFailures'>> => {
    const { batchItemFailures, remarks, exported, rejected, refused, kept, requests } = await emit(event);
    for (const remark of remarks) log(remark);
    log({
      kind: 'emitted',
      messages: event.Records.length,
      undelivered: batchItemFailures.length,
      exported,
      rejected,
      refused,
      kept,
      requests,
    });
    return { batchItemFailures };
  };
}
