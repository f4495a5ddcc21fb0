import { columnsAt } from '../src/components/models/columns';

const COLUMNS = ['Reaction', 'Days', 'Days off', 'Subject'];

/** What is offered at the bar. */
function at(marked: string) {
  const caret = marked.indexOf('¦');
  const found = columnsAt(marked.replace('¦', ''), caret, COLUMNS);
  return (
    found && [
      marked.slice(found.start, caret),
      ...found.offers.map(({ text }) => text)
    ]
  );
}

it.each([
  ['outcome = "Re¦"', ['Re', 'Reaction']],
  ["predictors = ['Days', 'su¦']", ['su', 'Subject']],
  ['table["Days o¦', ['Days o', 'Days off']],
  ['outcome = "¦"', ['', ...COLUMNS]],
  ['formula = "Reaction ~ da¦"', ['da', 'Days', '`Days off`']],
  ['formula = "Reaction ~ `Days o¦"', ['`Days o', '`Days off`']],
  ['formula = "Reaction ~ Days + (Days | s¦)"', ['s', 'Subject']],
  ['bmb.Model(\n    "Reaction ~ D¦', ['D', 'Days', '`Days off`']],
  ['"""A note.\nReaction ~ D¦', ['D', 'Days', '`Days off`']],
  ["# don't\nx = 'Re¦'", ['Re', 'Reaction']],
  ["x = 'a # b'; y = 'Re¦'", ['Re', 'Reaction']],
  ["x = 'it\\'s ~ Re¦'", ['Re', 'Reaction']]
])('offers columns in %s', (marked, offers) => {
  expect(at(marked)).toEqual(offers);
});

it.each([
  'Re¦action = 1',
  '# "Re¦',
  'x = "Days" + Re¦',
  'x = "Days"\nRe¦',
  'data = "reactions.¦"',
  'x = """Reaction"""; Re¦'
])('offers nothing in %s', marked => {
  expect(at(marked)).toBeNull();
});
