import { useCallback, useEffect, useState } from 'react';

import {
  Agreement,
  ChainProgress,
  hasEnded,
  Host,
  Run,
  Sampling,
  WorkbenchClient
} from '../../api/port';
import { useAction } from '../action';
import { Badge, Mark } from '../Badge';
import { Busy } from '../Busy';
import { duration } from '../duration';
import { Problem } from '../Problem';
import { RunButtons } from '../runs/RunButtons';
import { runWord } from '../runs/summary';
import { RUN_TONES } from '../steps';
import { Explained } from '../Term';
import { likelyLeft } from './pace';
import { Sparkline } from './Sparkline';
import { useWatched } from './watch';

/** Above this, chains do not agree yet (Vehtari et al. 2021). */
const AGREES = 1.01;
/** Fewer for each chain leave R-hat and the figures uncertain (Vehtari et al. 2021). */
const ENOUGH_PER_CHAIN = 100;
const SAID_EVERY = 10;

interface Props {
  client: WorkbenchClient;
  host: Host;
  id: string;
  visible?: boolean;
}

/** How one run samples, chain by chain, while it does; it can be paused, stopped or cancelled from here. */
export function SamplerPage({ client, host, id, visible = true }: Props) {
  const [run, setRun] = useState<Run | null>(null);
  const fetching = useAction();
  const acting = useAction();
  const { start } = fetching;
  const refresh = useCallback(
    () => void start(() => client.run(id), setRun),
    [client, id, start]
  );
  useEffect(refresh, [refresh, visible]);
  const { following, history } = useWatched(client, id, visible, refresh);
  const sampling = history.at(-1);
  if (!run) {
    return (
      <main className="jp-modelcompose-Sampler">
        {fetching.busy && <Busy text="Looking for the run…" />}
        <Problem error={fetching.error} onRetry={refresh} />
      </main>
    );
  }
  const isOver = hasEnded(run.status);
  return (
    <main
      className="jp-modelcompose-Sampler"
      aria-label={`How ${run.name} samples`}
    >
      <div className="jp-modelcompose-Run-head">
        <h3>{run.name}</h3>
        <Badge
          tone={RUN_TONES[run.status]}
          text={following.paused && !isOver ? 'Paused' : runWord(run)}
        />
      </div>
      <p className="jp-modelcompose-small">
        {[run.model, run.sampler, isOver ? run.message : where(following.step)]
          .filter(Boolean)
          .join(' · ')}
      </p>
      {following.waiting && <p>{following.waiting}</p>}
      <RunButtons
        run={run}
        client={client}
        host={quiet(host)}
        acting={acting}
        onChanged={refresh}
      />
      <Problem error={acting.error} />
      {!sampling && !isOver && (
        <Busy text="It does not sample yet. What it does then appears here." />
      )}
      {!sampling && isOver && (
        <p>Its sampling left no record that could be shown here.</p>
      )}
      {sampling && (
        <>
          <Overall
            sampling={sampling}
            history={history}
            isUnderWay={following.sampling !== null && !isOver}
          />
          <Chains history={history} sampling={sampling} />
          <SoFar
            agreement={sampling.agreement ?? []}
            chains={sampling.chains.length}
          />
        </>
      )}
    </main>
  );
}

/** What is watched here needs no button that leads here. */
function quiet(host: Host): Host {
  return {
    upload: file => host.upload(file),
    selectedFile: () => null,
    openNotebook: path => host.openNotebook(path),
    reportUrl: path => host.reportUrl(path),
    appUrl: path => host.appUrl(path)
  };
}

function where(step: string): string {
  return step && `at ${step}`;
}

function Overall(props: {
  sampling: Sampling;
  history: Sampling[];
  isUnderWay: boolean;
}) {
  const { sampling, history, isUnderWay } = props;
  const { finished, total, left, rate, divergences, seconds } = sampling;
  const percent = total > 0 ? Math.floor((100 * finished) / total) : 0;
  const likely = likelyLeft(history);
  const rest = !isUnderWay
    ? `sampled for ${duration(seconds)}`
    : left === null
      ? `${duration(seconds)} so far`
      : `${duration(left)} left` + (likely ? ` (likely ${span(likely)})` : '');
  const told = Math.floor(percent / SAID_EVERY) * SAID_EVERY;
  return (
    <section aria-label="Overall">
      <div
        className="jp-modelcompose-Progress-bar"
        role="progressbar"
        aria-label="Sampling"
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuetext={`${percent} percent, ${rest}`}
      >
        <div style={{ width: `${percent}%` }} />
      </div>
      <dl className="jp-modelcompose-Gauges">
        <Gauge name="Draws" value={`${count(finished)} of ${count(total)}`} />
        <Gauge name={isUnderWay ? 'Time left' : 'Time'} value={rest} />
        <Gauge name="Pace" value={rate ? `${pace(rate)} a second` : '–'} />
        <Gauge
          name="Divergences"
          value={count(divergences)}
          warns={divergences > 0}
        />
      </dl>
      <p className="jp-modelcompose-hidden" role="status">
        {isUnderWay ? `${told} percent` : 'Sampling has ended.'}
      </p>
    </section>
  );
}

function Gauge(props: { name: string; value: string; warns?: boolean }) {
  return (
    <div>
      <dt>
        <Explained text={props.name} />
      </dt>
      <dd>
        {props.warns && <Mark tone="warn" />} {props.value}
      </dd>
    </div>
  );
}

function Chains(props: { history: Sampling[]; sampling: Sampling }) {
  const { history, sampling } = props;
  if (sampling.chains.length === 0) {
    return null;
  }
  const steps = sampling.chains.some(({ steps: some }) => some !== undefined);
  return (
    <section aria-label="Chain by chain">
      <h4>Chain by chain</h4>
      <div className="jp-modelcompose-Wide" tabIndex={0}>
        <table className="jp-modelcompose-Figures">
          <thead>
            <tr>
              <th scope="col">Chain</th>
              <th scope="col">Draws</th>
              <th scope="col">
                <Explained text="Divergences" />
              </th>
              <th scope="col">
                <Explained text="Step size" />
              </th>
              {steps && <th scope="col">Steps a draw</th>}
            </tr>
          </thead>
          <tbody>
            {sampling.chains.map((chain, at) => (
              <tr key={at}>
                <th scope="row">{at + 1}</th>
                <td>
                  <Bar chain={chain} />
                </td>
                <td>
                  {chain.divergences > 0 && <Mark tone="warn" />}{' '}
                  {count(chain.divergences)}
                </td>
                <td>
                  {chain.step_size ? chain.step_size.toPrecision(2) : '–'}{' '}
                  <Sparkline
                    values={history.map(
                      one => one.chains[at]?.step_size ?? NaN
                    )}
                  />
                </td>
                {steps && <td>{chain.steps ?? '–'}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Bar({ chain }: { chain: ChainProgress }) {
  const { draws, total, tuning } = chain;
  const share = total > 0 ? (100 * draws) / total : 0;
  return (
    <span className="jp-modelcompose-ChainBar" data-tuning={tuning}>
      <span aria-hidden="true">
        <span style={{ width: `${share}%` }} />
      </span>
      {count(draws)}
      {tuning && ' (warming up)'}
    </span>
  );
}

function SoFar(props: { agreement: Agreement[]; chains: number }) {
  const { agreement, chains } = props;
  if (agreement.length === 0) {
    return null;
  }
  const enough = ENOUGH_PER_CHAIN * Math.max(1, chains);
  return (
    <section aria-label="Do the chains agree?">
      <h4>Do the chains agree so far?</h4>
      <p className="jp-modelcompose-small">
        Wanted in the end: R-hat at most {AGREES}, ESS at least {count(enough)}.
        Both settle only towards the end.
      </p>
      <table className="jp-modelcompose-Figures">
        <thead>
          <tr>
            <th scope="col">Parameter</th>
            <th scope="col">
              <Explained text="R-hat" />
            </th>
            <th scope="col">
              <Explained text="ESS" />
            </th>
          </tr>
        </thead>
        <tbody>
          {agreement.map(({ name, rhat, ess }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>
                <Figure
                  text={rhat === null ? '–' : rhat.toFixed(3)}
                  isEnough={rhat === null || rhat <= AGREES}
                />
              </td>
              <td>
                <Figure
                  text={count(Math.round(ess))}
                  isEnough={ess >= enough}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Figure({ text, isEnough }: { text: string; isEnough: boolean }) {
  return (
    <span className="jp-modelcompose-Checked">
      <Mark tone={isEnough ? 'pass' : 'idle'} /> {text}
      <span className="jp-modelcompose-hidden">
        {isEnough ? ' as wanted' : ' not yet'}
      </span>
    </span>
  );
}

function span([low, high]: [number, number]): string {
  const [from, to] = [duration(low), duration(high)];
  return from === to ? `about ${to}` : `${from} to ${to}`;
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function pace(rate: number): string {
  return rate < 10 ? rate.toFixed(1) : count(Math.round(rate));
}
