/** The codec server and its tokens. */
export const web = {
  sign_in: 'sign in at',
  then_in: 'then in',
  set_codec: '{ui} set the codec server to {endpoint}, with cross-origin credentials',
  nobody: 'Nobody has a token yet: holdfast codec-server token <name>',
  ends: 'Ctrl-C ends it, and every browser is signed out.',
  keys_refused:
    'The keyring changed and cannot be opened again ({code}). What is under newer keys stays encrypted: start this again with the password as it is now.',
  token_name: 'A name has 1 to 64 letters without accents, digits and . _ @ -',
  valid_until: 'Valid until {at}. It is not shown again; whoever has it sees what workflows were given.',
  no_tokens: 'There are no tokens.',
  until: 'until',
  expired: 'expired',
  not_valid: 'The token {name} is valid no more.',
} as const;
