/** Histories as readable JSON: protobuf's own object form, with numbers beyond 2^53, enums and bytes as text. */
import proto from '@temporalio/proto';

const { History } = proto.temporal.api.history.v1;
export type History = proto.temporal.api.history.v1.IHistory;

/** The history as JSON text; stack traces, which hold paths of the machine that recorded it, are left out. */
export function historyToText(history: History): string {
  const object = History.toObject(History.fromObject(history), {
    longs: String,
    enums: String,
    bytes: String,
  });
  return `${JSON.stringify(object, (name, value: unknown) => (name === 'stackTrace' ? '' : value), 1)}\n`;
}

export function historyFromText(text: string): History {
  return History.fromObject(JSON.parse(text) as Record<string, unknown>);
}
