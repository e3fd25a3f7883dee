/** Times and durations as Kafka's tools take them. */
import { ToolError } from './toolError.ts';

const DATE_TIME = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}(?::?\d{2})?)?$/;
const DURATION = /^([+-])?P(?:([+-]?\d+)D)?(?:T(?=[+\-\d])(?:([+-]?\d+)H)?(?:([+-]?\d+)M)?(?:([+-]?\d+(?:[.,]\d{0,9})?)S)?)?$/i;
const MS = { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/** `2026-01-31T08:30:00.000`, in UTC unless a zone is given. Milliseconds since 1970. */
export function parseDateTime(text: string): number {
  if (!text.includes('T')) throw new ToolError("java.text.ParseException: Error parsing timestamp. It does not contain a 'T' according to ISO8601 format");
  const match = DATE_TIME.exec(text);
  const zone = match?.[2] ?? 'Z';
  const zoned = zone === 'Z' || zone.includes(':') ? zone : `${zone.slice(0, 3)}:${zone.slice(3) || '00'}`;
  const time = match === null ? Number.NaN : Date.parse(`${match[1]}${zoned}`);
  if (Number.isNaN(time)) throw new ToolError(`java.text.ParseException: Unparseable date: "${text}" (wanted: YYYY-MM-DDThh:mm:ss.sss)`);
  return time;
}

/** `P1DT2H3M4.5S`, in milliseconds. */
export function parseDuration(text: string): number {
  const match = DURATION.exec(text);
  if (match === null || match.slice(2).every((part) => part === undefined)) throw new ToolError('Text cannot be parsed to a Duration');
  const part = (index: number) => Number((match[index] ?? '0').replace(',', '.'));
  const ms = part(2) * MS.day + part(3) * MS.hour + part(4) * MS.minute + part(5) * MS.second;
  return match[1] === '-' ? -ms : ms;
}
