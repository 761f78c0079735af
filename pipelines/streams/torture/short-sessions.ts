/** Members that died are to be missed soon: a torture would else consist of waiting. */
const shortestSessionMs = 1_000;

/** Settings of a broker that allows that. */
export const shortSessions = { 'group.min.session.timeout.ms': shortestSessionMs };
