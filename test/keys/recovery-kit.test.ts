import { describe, expect, test } from 'vitest';
import { kitText, type RecoveryKit } from '../../src/keys/recovery-kit.ts';

const recoveryKey = '8DZK-NT5W-66G1-THES-4XRG-2ND1-641K-D3VJ-F3HQ';
const kit: RecoveryKit = {
  holder: 'recovery-kit',
  repository: '0'.repeat(32),
  recoveryKey,
  madeAt: '2026-11-23T21:45:10.474Z',
  places: [
    {
      ...{ destination: 'primary', endpoint: 'https://s3.example.org', bucket: 'b', prefix: 'mairie/' },
      ...{ region: undefined, thisMachine: undefined },
    },
  ],
  steps: [],
};
const command = 'holdfast recover --endpoint https://s3.example.org --bucket b --prefix mairie/ --to ';

describe('the printed recovery kit', () => {
  test('is in the language of whoever makes it first, then in the other', () => {
    const french = kitText(kit, 'fr');
    expect(french.split('\n')[0]).toContain('KIT DE SECOURS HOLDFAST');
    expect(french.indexOf('Pour tout récupérer')).toBeGreaterThan(0);
    expect(french.indexOf('To bring everything back')).toBeGreaterThan(french.indexOf('Pour tout récupérer'));
    const english = kitText(kit, 'en');
    expect(english.split('\n')[0]).toContain('HOLDFAST RECOVERY KIT');
    expect(english.indexOf('Pour tout récupérer')).toBeGreaterThan(
      english.indexOf('To bring everything back'),
    );
  });

  test.each(['en', 'fr'] as const)(
    'has the key and the whole command in each of them (%s first)',
    (first) => {
      const text = kitText(kit, first);
      expect(text.split(recoveryKey)).toHaveLength(3);
      expect(text.split(command)).toHaveLength(3);
      expect(text).toContain(first === 'fr' ? 'b, préfixe mairie/' : 'b, prefix mairie/');
    },
  );
});
