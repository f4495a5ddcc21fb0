import { Mark } from './Badge';
import { Following } from './following';
import { Progress } from './Progress';
import { RUN_TONES, RUN_WORDS } from './steps';

/** How far a run has come, as its events tell. */
export function Follow({ following }: { following: Following }) {
  const { sampling, cached, rounds, waiting, paused } = following;
  return (
    <>
      {waiting && <p className="jp-modelcompose-small">{waiting}</p>}
      {paused && (
        <p className="jp-modelcompose-small" role="status">
          Paused: no draws are made until it continues.
        </p>
      )}
      {rounds.length > 0 && (
        <ol className="jp-modelcompose-Rounds" aria-label="Tried so far">
          {rounds.map(({ id, label, why, status }) => (
            <li key={id}>
              <Mark tone={RUN_TONES[status]} />
              <span>
                {label} <small>{why}</small>
                <span className="jp-modelcompose-hidden">
                  {RUN_WORDS[status]}
                </span>
              </span>
            </li>
          ))}
        </ol>
      )}
      {sampling && <Progress sampling={sampling} />}
      {cached > 0 && (
        <p className="jp-modelcompose-small">
          {cached === 1 ? '1 step' : `${cached} steps`} taken over, nothing
          changed
        </p>
      )}
    </>
  );
}
