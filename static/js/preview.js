/* What a draft would change, in the words of other tools. Both are previews: the server builds its own patch. */

const line = (text, kind) => {
  const place = document.createElement("span");
  if (kind) place.className = kind;
  place.textContent = kind ? text : `${text}\n`;
  return place;
};

/**
 * The route's weights as lines of a diff.
 * @param {{section: string, index: number, versions: string[], stored: number[], draft: number[]}} change
 * @returns {HTMLElement[]}
 */
export function yamlDiff({ section, index, versions, stored, draft }) {
  const lines = [line(`  spec.${section}[${index}].route:`)];
  versions.forEach((version, each) => {
    lines.push(line(`  - destination: # ${version}`));
    if (stored[each] === draft[each]) {
      lines.push(line(`    weight: ${stored[each]}`));
      return;
    }
    lines.push(line(`-   weight: ${stored[each]}`, "removed"), line(`+   weight: ${draft[each]}`, "added"));
  });
  return lines;
}

/** The same as one command. `add` sets a member whether it is there or not, so it fits a weight that is absent too. */
export function kubectlPatch({ namespace, name, section, index, stored, draft }) {
  const operations = draft
    .map((value, each) => ({ op: "add", path: `/spec/${section}/${index}/route/${each}/weight`, value }))
    .filter(({ value }, each) => value !== stored[each]);
  return `kubectl -n ${namespace} patch virtualservice ${name} --type=json -p='${JSON.stringify(operations)}'`;
}
