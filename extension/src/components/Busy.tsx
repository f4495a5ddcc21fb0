/** Says that something is under way, to eyes and to screen readers. */
export function Busy(props: { text: string }) {
  return (
    <p className="jp-modelcompose-Busy" role="status">
      <span className="jp-modelcompose-Busy-dot" aria-hidden="true" />
      {props.text}
    </p>
  );
}
