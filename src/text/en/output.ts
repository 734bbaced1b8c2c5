/** What every command may say. */
export const output = {
  unexpected: 'unexpected error, please report it:',
  byte_letter: 'B',
} as const;
