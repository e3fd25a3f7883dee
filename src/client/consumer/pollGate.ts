/** Lets what the application is told about happen only while it polls, and keeps a poll from ending meanwhile. */
export class PollGate {
  #isInside = false;
  #isOpen = false;
  #running: Promise<void> | null = null;
  #waiting: (() => void)[] = [];

  enter(): void {
    this.#isInside = true;
    this.#release();
  }

  /** Waits for what runs. */
  async leave(): Promise<void> {
    while (this.#running !== null && !this.#isOpen) await this.#running;
    this.#isInside = false;
  }

  /** For good: nobody will poll any more. */
  open(): void {
    this.#isOpen = true;
    this.#release();
  }

  async run(work: () => Promise<void>): Promise<void> {
    while (!this.#isInside && !this.#isOpen) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const running = work();
    const settled = running.then(() => {}, () => {});
    this.#running = settled;
    try {
      await running;
    } finally {
      if (this.#running === settled) this.#running = null;
    }
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
