/** What each file of the folder is, and how somebody verifies it. */
export const readme = (): string => `# Evidence of a sample run

Made by \`npm run evidence\`: a fresh installation protected a handful of made-up files so that every outcome came about, decided
what was held, restored and verified everything, and was asked for its password by somebody who did not have it. Run it yourself: ids, keys and
times are others then, the files and what can be verified of them are the same.

| file | what it is | how to check it |
| --- | --- | --- |
| [outcomes.json](outcomes.json) | what became of each file, with its version, workflow and where it lies under which lock | each version is in the audit export |
| [audit.pub](audit.pub) | the public keys that this installation signs its record with | of your own installation you get it on another way than the record |
| [audit-export.jsonl](audit-export.jsonl) | every event of the run, signed at the end | \`python3 ops/audit/verify_proof.py --public-key docs/evidence/audit.pub docs/evidence/audit-export.jsonl\` |
| [proof.json](proof.json) | what happened to one file, up to the anchor in the bucket | \`python3 ops/audit/verify_proof.py --public-key docs/evidence/audit.pub docs/evidence/proof.json\` |
| [proof-withheld.json](proof-withheld.json) | the same without path and name of the file | as above |
| [verification.txt](verification.txt) | what that program said of all three, and of a proof with one byte changed: refused | run it, and change a byte yourself |
| [audit-verify.json](audit-verify.json) | the record held against its heads in the database and their anchors in the bucket | docs/audit.md says what each word means |
| [dashboards.json](dashboards.json) | each expression of the dashboards in \`ops/grafana\` with what a real Prometheus answered, and the catalog's own counts | the counts of outcomes agree |
| [worker.log.jsonl](worker.log.jsonl) | the end of the worker's log | names of files, paths and addresses were taken out here; the log itself has none of the first two |
| [doctor.txt](doctor.txt), [usage.json](usage.json), [runs.jsonl](runs.jsonl), \`report-….csv\` | what these commands told at the end | docs/operations.md, docs/audit.md |
| [tests.json](tests.json) | what \`npm test\`, and \`npm run test:long\` where it was run, came to: the commit, the time, every file of tests, and which failed | \`npm test\` runs them |
| [diagrams.md](diagrams.md) | the way of a file and of its data | ARCHITECTURE.md says more |

Nothing here holds a key or a password, and nothing of it is anybody's real file. The anchors and objects that it names lay in a bucket that was deleted with the
installation: of your own, look whether they lie there, under that version id and lock.
`;
