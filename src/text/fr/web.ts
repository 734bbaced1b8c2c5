import { web as english } from '../en/web.ts';
import { translationOf } from '../message.ts';

export const web = translationOf(english)({
  sign_in: 's’identifier à',
  then_in: 'puis dans',
  set_codec: '{ui} régler le serveur de codec sur {endpoint}, avec les identifiants d’origine croisée',
  nobody: 'Personne n’a encore de jeton : holdfast codec-server token <nom>',
  ends: 'Ctrl-C l’arrête, et chaque navigateur est déconnecté.',
  keys_refused:
    'Le trousseau a changé et ne peut pas être rouvert ({code}). Ce qui est sous des clés plus récentes reste chiffré : relancez ce serveur avec le mot de passe actuel.',
  token_name: 'Un nom a 1 à 64 lettres sans accent, chiffres et . _ @ -',
  valid_until:
    'Valable jusqu’au {at}. Il n’est pas affiché de nouveau ; qui l’a voit ce que les workflows ont reçu.',
  no_tokens: 'Il n’y a pas de jetons.',
  until: 'jusqu’au',
  expired: 'expiré',
  not_valid: 'Le jeton {name} n’est plus valable.',
});
