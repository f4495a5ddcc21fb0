import { ReactNode } from 'react';

import { Host, Run, RunRecord, WorkbenchClient } from '../../api/port';
import { Busy } from '../Busy';
import { useLatest } from '../live';
import { Problem } from '../Problem';

interface Props {
  run: Run;
  client: WorkbenchClient;
  host: Host;
}

/** Where a run comes from and what came of it: data, preparation, choices, the run, report and app. */
export function Provenance({ run, client, host }: Props) {
  const { value, busy, error } = useLatest(
    () => client.runRecord(run.id),
    run.id
  );
  if (!value) {
    return busy ? (
      <Busy text="Reading the record…" />
    ) : (
      <Problem error={error} />
    );
  }
  return (
    <>
      <ol className="jp-modelcompose-Provenance">
        {stations(run, value, host).map(({ title, text }) => (
          <li key={title}>
            <strong>{title}</strong>
            <span>{text}</span>
          </li>
        ))}
      </ol>
      <ul className="jp-modelcompose-Notes">
        {value.sentences.map(sentence => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </>
  );
}

function stations(
  run: Run,
  { record }: RunRecord,
  host: Host
): { title: string; text: ReactNode }[] {
  const { data, recipe, git } = record;
  const link = (href: string, text: string) => (
    <a
      className="jp-modelcompose-Link"
      href={href}
      target="_blank"
      rel="noopener"
    >
      {text}
    </a>
  );
  const found: { title: string; text: ReactNode }[] = [
    {
      title: 'Data',
      text: [
        data?.version || data?.source || run.data,
        data?.rows != null && `${data.rows.toLocaleString('en')} rows`,
        data?.sha256 && data.sha256.slice(0, 8)
      ]
        .filter(Boolean)
        .join(' · ')
    },
    {
      title: 'Preparation',
      text: recipe?.length
        ? recipe.map(step => step.do).join(' → ')
        : 'none: the table as it is'
    },
    {
      title: 'Choices',
      text: [run.notebook, run.model, git?.commit?.slice(0, 8)]
        .filter(Boolean)
        .join(' · ')
    },
    { title: 'Run', text: `${run.name} · ${run.id.slice(0, 8)}` },
    {
      title: 'Report',
      text: run.report && link(host.reportUrl(run.report), run.report)
    },
    { title: 'App', text: run.app && link(host.appUrl(run.app), run.app) }
  ];
  return found.filter(({ text }) => text);
}
