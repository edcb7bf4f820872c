/**
 * Move one weight and let the others make room, as `webapp/istio/weights.py` does; both follow one table of cases.
 *
 * Others that are not locked share what is left in proportion to what they were (equally where that is 0), by largest
 * remainder, a tie going to the first. The result sums to exactly `total`.
 * @param {number[]} weights as they were where the gesture began
 * @param {number} index which one is moved
 * @param {number} value where to; it stops where locked others leave no room
 * @param {Iterable<number>} locked indices that keep their weight
 * @param {number} total
 * @returns {number[]}
 */
export function rebalance(weights, index, value, locked, total) {
  const held = new Set(locked);
  const places = weights.map((_, place) => place).filter((place) => place !== index);
  const others = places.filter((place) => !held.has(place));
  const room = total - sum(places.filter((place) => held.has(place)).map((place) => weights[place]));
  if (room < 0) throw new RangeError(`the locked weights alone are more than ${total}`);
  const moved = others.length ? Math.min(Math.max(value, 0), room) : room;
  const result = [...weights];
  result[index] = moved;
  const shares = apportion(room - moved, others.map((place) => weights[place]));
  others.forEach((place, each) => (result[place] = shares[each]));
  return result;
}

/** Split `amount` in proportion to `parts`. In BigInt: the product of two large weights does not fit a double. */
export function apportion(amount, parts) {
  const ratios = sum(parts) ? parts : parts.map(() => 1);
  const whole = BigInt(sum(ratios));
  const products = ratios.map((ratio) => BigInt(amount) * BigInt(ratio));
  const shares = products.map((product) => Number(product / whole));
  const order = products.map((_, each) => each).sort((a, b) => Number((products[b] % whole) - (products[a] % whole)));
  for (const each of order.slice(0, amount - sum(shares))) shares[each] += 1;
  return shares;
}

const sum = (numbers) => numbers.reduce((left, right) => left + right, 0);
