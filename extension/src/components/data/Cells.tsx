/** Rows of a table as text; cells that changed are marked. */
export function Cells(props: {
  columns: string[];
  rows: string[][];
  changed?: boolean[][];
  caption?: string;
}) {
  return (
    <div className="jp-modelcompose-Preview" tabIndex={0}>
      <table>
        {props.caption && <caption>{props.caption}</caption>}
        <thead>
          <tr>
            {props.columns.map(name => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row, index) => (
            <tr key={index}>
              {row.map((value, place) => (
                <td
                  key={place}
                  data-changed={props.changed?.[index]?.[place] || undefined}
                >
                  {value}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
