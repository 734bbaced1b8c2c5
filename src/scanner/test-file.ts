/** EICAR's test file (eicar.org): no malware, but every scanner reports it. In halves, so that this source is none. */
export const testFile = Buffer.from(
  ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$', 'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join(''),
  'latin1',
);
