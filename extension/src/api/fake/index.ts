import { WorkbenchClient } from '../port';
import { FakeRuns } from './runs';

export { FAKE_LINEAGE } from './lineage';
export {
  fakeHash,
  FAILED_SAMPLING,
  SLEEP_ANALYSIS,
  sleepCells
} from './notebook';

/**
 * A workbench in memory that knows one data set, sleepstudy.
 *
 * It follows the rules of the real one on a small scale: questions depend on kinds, composed cells are recognised by
 * their hash, a revision leaves cells alone that were edited by hand. Each station's part stands in a file of its own.
 */
export class FakeWorkbench extends FakeRuns implements WorkbenchClient {}
