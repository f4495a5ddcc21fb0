import { WorkbenchClient, WorkbenchError } from '../port';

/** What every part of the fake shares: `failures` makes a verb fail. */
export abstract class FakeBase {
  readonly failures = new Map<keyof WorkbenchClient, WorkbenchError>();

  protected check(verb: keyof WorkbenchClient): void {
    const failure = this.failures.get(verb);
    if (failure) {
      throw failure;
    }
  }
}
