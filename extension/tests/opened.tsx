import { render } from '@testing-library/react';

import { FakeWorkbench } from '../src/api/fake';
import { Cell, Changes, Remedy } from '../src/api/port';
import { AnalysisActions, AnalysisView } from '../src/components/workflow/view';
import { Workflow } from '../src/components/workflow/Workflow';

/** Records what was asked for; a class, as the real one is, so that a lost `this` is noticed. */
export class RecordedActions implements AnalysisActions {
  readonly calls: unknown[][] = [];
  readonly changes: Changes[] = [];

  constructor(
    readonly client: FakeWorkbench,
    private readonly cells: Cell[]
  ) {}

  runNext() {
    this.calls.push(['runNext']);
  }
  runRest() {
    this.calls.push(['runRest']);
  }
  runAll() {
    this.calls.push(['runAll']);
  }
  runStep(step: string) {
    this.calls.push(['runStep', step]);
  }
  interrupt() {
    this.calls.push(['interrupt']);
  }
  applyRemedy(remedy: Remedy, step: string) {
    this.calls.push(['applyRemedy', remedy.label, step]);
    this.changes.push(remedy.changes);
  }
  async waive(step: string, by: string, reason: string) {
    this.calls.push(['waive', step, by, reason]);
    await this.client.waive(this.cells, step, by, reason);
  }
  plan() {
    return this.client.plan(this.cells);
  }
  async lockPlan(by: string) {
    this.calls.push(['lockPlan', by]);
  }
  takeOver() {
    this.calls.push(['takeOver']);
  }
  openBest() {
    this.calls.push(['openBest']);
  }
  closeTried() {
    this.calls.push(['closeTried']);
  }
  composeFull() {
    this.calls.push(['composeFull']);
  }
  runInBackground(autopilot = 0) {
    this.calls.push(['runInBackground', autopilot]);
  }
  stopBackground() {
    this.calls.push(['stopBackground']);
  }
  showCell(step: string) {
    this.calls.push(['showCell', step]);
  }
  async compare(step: string) {
    this.calls.push(['compare', step]);
    return [{ mine: 'a = 1\nb = 3', composed: 'a = 1\nb = 2' }];
  }
  takeComposed(step: string) {
    this.calls.push(['takeComposed', step]);
  }
  undo() {
    this.calls.push(['undo']);
  }
}

/** The page of steps on a notebook with these cells; what it asks for is recorded. */
export async function mount(
  cells: Cell[],
  more: Partial<AnalysisView> = {},
  client = new FakeWorkbench()
) {
  const actions = new RecordedActions(client, cells);
  const view: AnalysisView = {
    path: 'sleepstudy.ipynb',
    inspection: await client.inspect(cells),
    running: [],
    activity: null,
    sampling: null,
    background: null,
    tried: null,
    lineage: null,
    error: null,
    undo: null,
    ...more
  };
  const element = (changed: Partial<AnalysisView> = {}) => (
    <Workflow
      client={client}
      view={{ ...view, ...changed }}
      actions={actions}
    />
  );
  const { rerender } = render(element());
  const update = (changed: Partial<AnalysisView>) => rerender(element(changed));
  return Object.assign(actions, { update });
}
