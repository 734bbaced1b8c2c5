/** What every command may say. */
export const output = {
  told: 'holdfast: {message}',
  unexpected: 'unexpected error, please report it:',
  byte_letter: 'B',
  endpoint_takes: '--endpoint takes a URL like https://s3.example.org or http://192.0.2.7:9000.',
  the_bucket: 'the bucket',
  no_time: '"{given}" is no time.{help}',
  in_future: '"{given}" lies in the future.{help}',
  not_new_file:
    '{file} cannot be made as a new file: it is there already, or its folder is not, or cannot be written to.',
} as const;
