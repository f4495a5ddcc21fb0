import { Agreement, ChainProgress, Sampling } from '../api/port';
import { Disclosure } from './Disclosure';
import { duration } from './duration';
import { Explained } from './Term';

/** How far sampling has come: one bar for all chains, one thin bar for each. */
export function Progress({ sampling }: { sampling: Sampling }) {
  const { finished, total, chains } = sampling;
  const percent = total > 0 ? Math.round((100 * finished) / total) : 0;
  return (
    <div className="jp-modelcompose-Progress">
      <div
        className="jp-modelcompose-Progress-bar"
        role="progressbar"
        aria-label="Sampling"
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuetext={`${percent} percent, ${remaining(sampling)}`}
      >
        <div style={{ width: `${percent}%` }} />
      </div>
      <p className="jp-modelcompose-small">
        {finished.toLocaleString('en')} of {total.toLocaleString('en')} draws ·{' '}
        {remaining(sampling)}
        {sampling.divergences > 0 && ` · ${sampling.divergences} divergences`}
        {sampling.rate ? ` · ${rounded(sampling.rate)} a second` : ''}
      </p>
      <div className="jp-modelcompose-Progress-chains" aria-hidden="true">
        {chains.map((chain, index) => (
          <Chain key={index} number={index + 1} chain={chain} />
        ))}
      </div>
      {chains.length > 0 && (
        <Disclosure summary="Chain by chain">
          <Chains chains={chains} />
          <SoFar agreement={sampling.agreement ?? []} />
        </Disclosure>
      )}
    </div>
  );
}

function Chains({ chains }: { chains: ChainProgress[] }) {
  return (
    <table className="jp-modelcompose-Table">
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
        </tr>
      </thead>
      <tbody>
        {chains.map((chain, index) => (
          <tr key={index}>
            <th scope="row">{index + 1}</th>
            <td>
              {chain.draws.toLocaleString('en')}
              {chain.tuning && ' (warming up)'}
            </td>
            <td>{chain.divergences}</td>
            <td>{chain.step_size ? chain.step_size.toPrecision(2) : '–'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** How far the chains agree in the draws so far; it settles only towards the end. */
function SoFar({ agreement }: { agreement: Agreement[] }) {
  if (agreement.length === 0) {
    return null;
  }
  return (
    <table className="jp-modelcompose-Table">
      <thead>
        <tr>
          <th scope="col">Parameter</th>
          <th scope="col">
            <Explained text="R-hat so far" />
          </th>
          <th scope="col">
            <Explained text="ESS so far" />
          </th>
        </tr>
      </thead>
      <tbody>
        {agreement.map(({ name, rhat, ess }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{rhat === null ? '–' : rhat.toFixed(3)}</td>
            <td>{Math.round(ess).toLocaleString('en')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function rounded(rate: number): string {
  return rate < 10 ? rate.toFixed(1) : Math.round(rate).toLocaleString('en');
}

function Chain({ number, chain }: { number: number; chain: ChainProgress }) {
  const share = chain.total > 0 ? chain.draws / chain.total : 0;
  const phase = chain.tuning ? 'warming up' : 'sampling';
  return (
    <span
      title={`Chain ${number}: ${phase}, ${chain.draws} of ${chain.total}`}
      data-tuning={chain.tuning}
    >
      <span style={{ width: `${100 * share}%` }} />
    </span>
  );
}

function remaining({ seconds, left }: Sampling): string {
  return left === null
    ? `${duration(seconds)} so far`
    : `${duration(left)} left`;
}
