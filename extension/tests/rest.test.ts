import { ServerConnection } from '@jupyterlab/services';

import { WorkbenchError } from '../src/api/port';
import { RestWorkbench } from '../src/api/rest';

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
  expect(await request.json()).toEqual({ analysis: { data: 'a.csv' } });
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
