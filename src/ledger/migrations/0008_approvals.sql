-- Four eyes: how many persons must say yes, and who has. JSON: [{"by", "role", "atMs"}, …].
ALTER TABLE command ADD COLUMN approvals_needed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE command ADD COLUMN approvals TEXT NOT NULL DEFAULT '[]';

-- What the breaker holds already waits for two persons from now on, there and in the meter's context.
UPDATE command SET approvals_needed = 2 WHERE state = 'held';
UPDATE context SET json = json_set(json,
    '$.valve.outstanding.command.approvalsNeeded',
    iif(json_extract(json, '$.valve.outstanding.command.state') = 'held', 2, 0),
    '$.valve.outstanding.command.approvals', json('[]'))
  WHERE json_extract(json, '$.valve.outstanding.command.id') IS NOT NULL;
