// The visitors of `node.mjs`. Each hears the number of the worker that answers.
import { once } from 'node:events';
import http from 'node:http';

/** One request; on a connection of its own, unless an agent keeps one. */
export async function visit(port, path, agent = false) {
  const [answer] = await once(http.get({ port, path, agent }), 'response');
  return Number(answer.resume().headers['x-worker']);
}

/** Twelve, one after another: who served each, and how long the longest waited. */
export async function letThemCome(port) {
  const served = [];
  let longest = 0;
  while (served.length < 12) {
    const start = performance.now();
    served.push(await visit(port, '/'));
    longest = Math.max(longest, performance.now() - start);
  }
  return { served, longest: longest.toFixed(1) };
}

/** Twelve requests on one connection: the workers that answer. */
export async function stay(port) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const asked = Array.from({ length: 12 }, () => visit(port, '/', agent));
  const met = new Set(await Promise.all(asked));
  agent.destroy();
  return met;
}
