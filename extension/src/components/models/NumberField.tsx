import { useId } from 'react';

/** A number with its label; what is typed is kept as text, so that half a number is no error. */
export function NumberField(props: {
  label: string;
  text: string;
  onType: (text: string) => void;
}) {
  const id = useId();
  return (
    <div className="jp-modelcompose-Number">
      <label htmlFor={id}>{props.label}</label>
      <input
        id={id}
        type="number"
        step="any"
        value={props.text}
        onChange={event => props.onType(event.currentTarget.value)}
      />
    </div>
  );
}
