import { hashOf } from './canonical.ts';

/**
 * `<class>/<first 12 hex digits of SHA-256 over the canonical JSON of {action, class, match}>`; a class's default is
 * `<class>/default`. Severity, tags, message and place do not count: to re-word a rule is not to make another.
 */
export function ruleIdOf(rule: {
  readonly class: string;
  readonly action: string;
  readonly match: { readonly type: string };
}): string {
  if (rule.match.type === 'default') return `${rule.class}/default`;
  const { class: ruleClass, action, match } = rule;
  return `${ruleClass}/${hashOf({ class: ruleClass, action, match }).slice(0, 12)}`;
}
