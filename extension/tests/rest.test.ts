import { ServerConnection } from '@jupyterlab/services';

import { WorkbenchError } from '../src/api/port';
import { RestWorkbench } from '../src/api/rest';

const DATA = { data: 'a.csv' };

function workbench(answer: () => Response | Promise<Response>) {
  const fetch = vi.fn<(request: Request) => Promise<Response>>(async () =>
    answer()
  );
  const settings = ServerConnection.makeSettings({
    baseUrl: 'http://localhost:8888/user/ada/',
    fetch: fetch as typeof globalThis.fetch
  });
  return { fetch, client: new RestWorkbench(settings) };
}

async function failure(answer: () => Response | Promise<Response>) {
  const error = await workbench(answer)
    .client.runs()
    .catch(reason => reason);
  expect(error).toBeInstanceOf(WorkbenchError);
  return error as WorkbenchError;
}

it('sends JSON below the base URL', async () => {
  const { fetch, client } = workbench(() => Response.json({ path: 'a.ipynb' }));
  await client.compose({ data: 'a.csv' });
  const request = fetch.mock.calls[0]![0];
  expect(request.url).toBe(
    'http://localhost:8888/user/ada/modelcompose/api/notebooks/compose'
  );
  expect(request.method).toBe('POST');
  expect(await request.json()).toEqual({
    analysis: { data: 'a.csv' },
    workflow: 'simple',
    path: ''
  });
});

it.each<[string, unknown, (client: RestWorkbench) => Promise<unknown>]>([
  ['GET models', null, client => client.listModels()],
  ['GET models/models%2Fgrowth.py', null, c => c.showModel('models/growth.py')],
  [
    'POST models/views',
    { analysis: DATA, code: 'x' },
    client => client.views(DATA, 'x')
  ],
  ['POST models/priors', { analysis: DATA }, client => client.priors(DATA)],
  [
    'POST models/prior-predictive',
    { analysis: DATA },
    client => client.priorPrediction(DATA)
  ],
  [
    'POST models/elicit',
    { analysis: DATA, name: 'Days', answer: { how: 'run', run: '1' } },
    client => client.elicit(DATA, 'Days', { how: 'run', run: '1' })
  ],
  [
    'POST models',
    { name: 'growth', like: 'linear' },
    client => client.newModel('growth', 'linear')
  ],
  [
    'POST models/check',
    { path: 'a.py', analysis: {} },
    client => client.checkModel('a.py', {})
  ],
  ['POST models/add', { path: 'a.py' }, client => client.addModel('a.py')],
  [
    'POST models/linear/fork',
    { name: 'growth' },
    client => client.forkModel('linear', 'growth')
  ],
  [
    'POST models/models%2Fa.py/adopt',
    { analysis: DATA, mapping: { dose: 'mg' } },
    client => client.adoptModel('models/a.py', DATA, { dose: 'mg' })
  ],
  [
    'POST models/models%2Fa.py/remove',
    {},
    client => client.removeModel('models/a.py')
  ]
])('speaks of models: %s', async (route, body, call) => {
  const { fetch, client } = workbench(() => Response.json({ models: [] }));
  await call(client);
  const request = fetch.mock.calls[0]![0];
  const path = request.url.split('/modelcompose/api/')[1]!;
  expect(`${request.method} ${path}`).toBe(route);
  expect(body === null ? null : await request.json()).toEqual(body);
});

it.each<[string, unknown, (client: RestWorkbench) => Promise<unknown>]>([
  [
    'POST notebooks/compose',
    { analysis: DATA, workflow: 'full', path: 'a-full.ipynb' },
    client => client.compose(DATA, 'full', 'a-full.ipynb')
  ],
  [
    'POST notebooks/waive',
    { cells: [], step: 'fit', by: 'A', reason: 'b', path: 'a.ipynb' },
    client => client.waive([], 'fit', 'A', 'b', 'a.ipynb')
  ],
  [
    'POST notebooks/lock-plan',
    { cells: [], by: 'A', path: 'a.ipynb' },
    client => client.lockPlan([], 'A', 'a.ipynb')
  ],
  [
    'POST notebooks/plan',
    { cells: [], path: 'a.ipynb' },
    client => client.plan([], 'a.ipynb')
  ],
  ['GET thresholds?policy=a%2Fb.toml', null, c => c.thresholds('a/b.toml')],
  [
    'POST runs',
    { notebook: 'a.ipynb', changes: {}, autopilot: 3 },
    client => client.startRun('a.ipynb', {}, 3)
  ],
  ['POST runs/a%2Fb/resume', {}, client => client.resumeRun('a/b')],
  [
    'POST runs/compare',
    { ids: ['1', '2'] },
    client => client.compareRuns(['1', '2'])
  ]
])('speaks of steps and runs: %s', async (route, body, call) => {
  const { fetch, client } = workbench(() => Response.json({}));
  await call(client);
  const request = fetch.mock.calls[0]![0];
  const path = request.url.split('/modelcompose/api/')[1]!;
  expect(`${request.method} ${path}`).toBe(route);
  expect(body === null ? null : await request.json()).toEqual(body);
});

it('asks for the events since the last one, with no argument that the server does not know', async () => {
  const { fetch, client } = workbench(() =>
    Response.json({ events: [], status: 'running' })
  );
  await client.events('a/b', 7);
  expect(fetch.mock.calls[0]![0].url).toMatch(
    /runs\/a%2Fb\/events\?since=7&wait=20$/
  );
});

it("tells the server's error in the user's words", async () => {
  const error = await failure(() =>
    Response.json(
      {
        error: {
          type: 'InvalidData',
          message: 'Row 3 has 4 fields, 3 were expected.',
          where: 'a.csv, line 3',
          remedy: 'Quote the field that holds a comma.'
        }
      },
      { status: 422 }
    )
  );
  expect(error).toMatchObject({
    type: 'InvalidData',
    message: 'Row 3 has 4 fields, 3 were expected.',
    where: 'a.csv, line 3',
    remedy: 'Quote the field that holds a comma.'
  });
});

it('recognises a server without the extension', async () => {
  const error = await failure(
    () => new Response('<html>404</html>', { status: 404 })
  );
  expect(error.type).toBe('Missing');
  expect(error.remedy).toContain('jupyter server extension enable');
});

it('does not show a crash page as an error message', async () => {
  const error = await failure(
    () => new Response('<html>Traceback</html>', { status: 500 })
  );
  expect(error.message).toContain('500');
  expect(error.message).not.toContain('Traceback');
});

it('says that the server cannot be reached', async () => {
  const error = await failure(() => {
    throw new TypeError('fetch failed');
  });
  expect(error.type).toBe('Unreachable');
});
