/** The roles of clause 7.2.5. What each may do is one table in the API room; none can open a valve. */

export const roles = [
  "viewer",
  "operator",
  "dispatcher",
  "billing",
  "engineer",
  "auditor",
  "admin",
] as const;
export type Role = (typeof roles)[number];
