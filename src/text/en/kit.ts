/** The recovery kit: read on paper, perhaps years later and by somebody else. */
export const kit = {
  title: 'HOLDFAST RECOVERY KIT',
  danger: 'Whoever has this paper and access to the bucket can read everything.',
  keep: 'Print it, and keep it where the machine and its password are not.',
  made: 'Made:',
  repository: 'Repository:',
  destination: 'Destination:',
  bucket: 'bucket',
  prefix: 'prefix {prefix}',
  region: 'region {region}',
  key: 'Recovery key:',
  key_form: '(nine groups of four; there is no I, L, O or U in it)',
  this_machine: 'ON THIS MACHINE, in {folder}: it is lost with the machine',
  steps: 'To bring everything back:',
  step_machine:
    'Take a bare machine with Node 20 or later and install Holdfast on it. Nothing else is needed: no database, no configuration.',
  step_same_machine:
    'The bucket lies on the machine this kit was made on. Bring a copy of {folder} to the new one, name it in HOLDFAST_HOME, and start its S3 server: holdfast up --only s3. Address and credentials: holdfast status --json.',
  step_credentials:
    'Get an access key for the bucket that may list versions and read objects, and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
  step_run: 'Run: holdfast recover {options} --to /some/folder',
  step_key:
    'When it asks for the password, type the recovery key. Blanks, dashes and lower case do not matter.',
  step_end:
    'It says what it brought back, and what it could not. The formats are in docs/format.md, should Holdfast itself be gone.',
  check: 'Check today that it works: holdfast key verify-kit',
  other: 'The same in English',
} as const;
