import { ErrorBody } from '../api/port';

/** A failure: what is wrong, where, and what to do about it. */
export function Problem(props: {
  error: Pick<ErrorBody, 'message' | 'where' | 'remedy'> | null;
  onRetry?: () => void;
}) {
  const { error, onRetry } = props;
  if (!error) {
    return null;
  }
  return (
    <div className="jp-modelcompose-Problem" role="alert">
      <p className="jp-modelcompose-Problem-message">{error.message}</p>
      {error.where && (
        <p className="jp-modelcompose-Problem-where">Where: {error.where}</p>
      )}
      {error.remedy && <p>What to do: {error.remedy}</p>}
      {onRetry && (
        <button className="jp-modelcompose-Button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
