import { FormEvent, useEffect, useRef, useState } from 'react';

import {
  Annotation,
  hasEnded,
  Host,
  Run,
  WorkbenchClient
} from '../../api/port';
import { useAction } from '../action';
import { Badge, Mark } from '../Badge';
import { Busy } from '../Busy';
import { Disclosure } from '../Disclosure';
import { duration } from '../duration';
import { Follow } from '../Follow';
import { Following } from '../following';
import { Problem } from '../Problem';
import { RUN_TONES, verdictTone, verdictWord } from '../steps';
import { LineageGraph } from '../workflow/LineageGraph';
import { Provenance } from './Provenance';
import { RunButtons } from './RunButtons';
import { facts, runWord } from './summary';

interface Props {
  run: Run;
  client: WorkbenchClient;
  host: Host;
  following: Following | undefined;
  onChanged: () => void;
  /** Another run was made of this one. */
  onMade: (run: Run) => void;
  onClose: () => void;
}

/** One run in full: how it stands, what its checks said, what people noted, and what can be done with it. */
export function RunDetail(props: Props) {
  const { run, client, following, onChanged, onMade, onClose } = props;
  const acting = useAction();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [run.id]);
  const annotate = (noted: Annotation) =>
    acting.start(() => client.annotateRun(run.id, noted), onChanged);
  const make = (work: () => Promise<Run>) => void acting.start(work, onMade);
  return (
    <aside
      className="jp-modelcompose-RunDetail"
      aria-label={`Details of ${run.name}`}
      onKeyDown={event => event.key === 'Escape' && onClose()}
    >
      <div className="jp-modelcompose-Run-head">
        <h3 ref={heading} tabIndex={-1}>
          {run.name}
        </h3>
        <Badge tone={RUN_TONES[run.status]} text={runWord(run)} />
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          aria-label="Close the details"
          onClick={onClose}
        >
          ✕
        </button>
      </div>
      <p className="jp-modelcompose-small">{facts(run).join(' · ')}</p>
      {run.message && hasEnded(run.status) && <p>{run.message}</p>}
      {run.partial && (
        <p>Rests on fewer draws than asked for: sampling was stopped early.</p>
      )}
      {!hasEnded(run.status) && following && (
        <div aria-live="polite">
          {following.step && <p>Now at {following.step}.</p>}
          <Follow following={following} />
        </div>
      )}
      <RunButtons {...props} acting={acting}>
        {hasEnded(run.status) && run.kind === 'run' && (
          <button
            className="jp-modelcompose-Button"
            disabled={acting.busy}
            title="Runs the notebook as it is now; steps that did not change are taken over"
            onClick={() => make(() => client.startRun(run.notebook))}
          >
            Run again
          </button>
        )}
        {hasEnded(run.status) && ['run', 'imported'].includes(run.kind) && (
          <button
            className="jp-modelcompose-Button"
            disabled={acting.busy}
            title="Makes this very run again, every step anew, and grades how far the result agrees"
            onClick={() => make(() => client.reproduceRun(run.id))}
          >
            Reproduce
          </button>
        )}
      </RunButtons>
      <Problem error={acting.error} />
      {acting.busy && <Busy text="One moment…" />}
      <Note
        key={`note of ${run.id}`}
        note={run.note}
        onSave={note => annotate({ note })}
      />
      <Tags
        key={`tags of ${run.id}`}
        tags={run.tags}
        onSave={tags => annotate({ tags })}
      />
      <Facts run={run} />
      <Verdicts run={run} />
      {hasEnded(run.status) && (
        <Disclosure key={run.id} summary="Where it comes from">
          <Provenance run={run} client={client} host={props.host} />
        </Disclosure>
      )}
      {run.lineage && (
        <Disclosure
          summary={`Remedies tried (${run.lineage.rounds.length - 1})`}
        >
          <LineageGraph lineage={run.lineage} />
        </Disclosure>
      )}
    </aside>
  );
}

function Note(props: { note: string; onSave: (note: string) => unknown }) {
  const { note, onSave } = props;
  const [text, setText] = useState(note);
  return (
    <form
      className="jp-modelcompose-Note"
      onSubmit={event => {
        event.preventDefault();
        onSave(text.trim());
      }}
    >
      <label>
        Note
        <textarea
          rows={text ? 3 : 1}
          maxLength={3000}
          placeholder="What is worth knowing about this run?"
          value={text}
          onChange={event => setText(event.target.value)}
        />
      </label>
      {text.trim() !== note && (
        <button className="jp-modelcompose-Button" type="submit">
          Save the note
        </button>
      )}
    </form>
  );
}

function Tags(props: {
  tags: Record<string, string>;
  onSave: (tags: Record<string, string | null>) => unknown;
}) {
  const { tags, onSave } = props;
  const [text, setText] = useState('');
  const add = (event: FormEvent) => {
    event.preventDefault();
    const [name = '', ...value] = text.split('=');
    if (name.trim()) {
      onSave({ [name.trim()]: value.join('=').trim() });
      setText('');
    }
  };
  return (
    <div className="jp-modelcompose-Tags">
      {Object.entries(tags).map(([name, value]) => (
        <span key={name} className="jp-modelcompose-Tag">
          {value ? `${name}: ${value}` : name}
          <button
            aria-label={`Remove the tag ${name}`}
            onClick={() => onSave({ [name]: null })}
          >
            ✕
          </button>
        </span>
      ))}
      <form onSubmit={add}>
        <input
          aria-label="Add a tag"
          placeholder="Add a tag: name or name=value"
          value={text}
          onChange={event => setText(event.target.value)}
        />
      </form>
    </div>
  );
}

function Facts({ run }: { run: Run }) {
  const { elpd, elpd_se: error, seconds, grade } = run;
  const rows: [string, string][] = [
    ['Notebook', run.notebook],
    ['Data', run.data],
    ['Predicts (elpd)', figure(elpd, error)],
    ['Took', seconds === null ? '' : duration(seconds)],
    ['Makes again', run.reproduces ? run.reproduces.slice(0, 8) : ''],
    ['Agrees with it', grade],
    ['Id', run.id.slice(0, 8)]
  ];
  return (
    <dl className="jp-modelcompose-Facts">
      {rows
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

function figure(value: number | null, error: number | null): string {
  if (value === null) {
    return '';
  }
  return error === null
    ? value.toFixed(1)
    : `${value.toFixed(1)} ± ${error.toFixed(1)}`;
}

function Verdicts({ run }: { run: Run }) {
  return run.verdicts.length > 0 ? (
    <ul className="jp-modelcompose-Verdicts" aria-label="What its checks said">
      {run.verdicts.map(({ step, title, status, sentence, waived }) => (
        <li key={step}>
          <Mark tone={verdictTone(status, waived)} />
          <span>
            <strong>{title}</strong>{' '}
            <span className="jp-modelcompose-hidden">
              {verdictWord(status, waived)}.
            </span>{' '}
            {sentence}
          </span>
        </li>
      ))}
    </ul>
  ) : null;
}
