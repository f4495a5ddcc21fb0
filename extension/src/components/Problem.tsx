import { ErrorBody } from '../api/port';
import { useWords } from './words';

/** A failure: what is wrong, where, and what to do about it. */
export function Problem(props: {
  error: Pick<ErrorBody, 'message' | 'where' | 'remedy'> | null;
  onRetry?: () => void;
}) {
  const t = useWords();
  const { error, onRetry } = props;
  if (!error) {
    return null;
  }
  return (
    <div className="jp-modelcompose-Problem" role="alert">
      <p className="jp-modelcompose-Problem-message">{error.message}</p>
      {error.where && (
        <p className="jp-modelcompose-Problem-where">
          {t.__('Where: %1', error.where)}
        </p>
      )}
      {error.remedy && <p>{t.__('What to do: %1', error.remedy)}</p>}
      {onRetry && (
        <button className="jp-modelcompose-Button" onClick={onRetry}>
          {t.__('Try again')}
        </button>
      )}
    </div>
  );
}
