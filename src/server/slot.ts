/** The place of one reply in its connection's order. */
import type { ReplySlot } from '../broker/contract.ts';

export const SlotState = { open: 0, ready: 1, empty: 2, closing: 3 } as const;
export type SlotState = (typeof SlotState)[keyof typeof SlotState];

/** Who hears that a slot was filled. */
export interface SlotOwner {
  onSlotFilled(slot: Slot): void;
  /** A second answer to one request: a defect in a handler. */
  onSlotFilledTwice(): void;
}

const NO_CHUNKS: readonly Uint8Array[] = [];

export class Slot implements ReplySlot {
  next: Slot | null = null;
  state: SlotState = SlotState.open;
  chunks: readonly Uint8Array[] = NO_CHUNKS;
  replyBytes = 0;
  onSent: (() => void) | undefined = undefined;
  reason = '';
  readonly frameBytes: number;
  readonly isProduce: boolean;
  readonly #owner: SlotOwner;

  constructor(owner: SlotOwner, frameBytes: number, isProduce: boolean) {
    this.#owner = owner;
    this.frameBytes = frameBytes;
    this.isProduce = isProduce;
  }

  send(chunks: readonly Uint8Array[], onSent?: () => void): void {
    if (this.state !== SlotState.open) {
      onSent?.();
      this.#owner.onSlotFilledTwice();
      return;
    }
    this.state = SlotState.ready;
    this.chunks = chunks;
    for (const chunk of chunks) this.replyBytes += chunk.length;
    this.onSent = onSent;
    this.#owner.onSlotFilled(this);
  }

  none(): void {
    this.#fill(SlotState.empty, '');
  }

  close(reason: string): void {
    this.#fill(SlotState.closing, reason);
  }

  #fill(state: SlotState, reason: string): void {
    if (this.state !== SlotState.open) {
      this.#owner.onSlotFilledTwice();
      return;
    }
    this.state = state;
    this.reason = reason;
    this.#owner.onSlotFilled(this);
  }
}
