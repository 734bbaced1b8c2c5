import { limits as english } from '../en/limits.ts';
import { translationOf } from '../message.ts';

export const limits = translationOf(english)({
  no_limit: 'pas de limite',
  at_most: 'au plus {rate}',
  by_command: 'par commande, jusqu’à `holdfast limits reset upload`',
  by_command_until: 'par commande, jusqu’au {at}',
  outside_hours: 'hors des heures de la configuration',
  by_configuration: 'par la configuration',
  none_configured: 'aucune n’est configurée',
  uploads: 'Envois : {limit} ({why}).',
  no_such_limit: 'Il n’y a pas de limite « {name} » ; il y a : upload.',
  no_rate: '« {given} » n’est pas un débit. Donnez {form}, ou none.',
  no_duration: '« {given} » n’est pas une durée : 30m, 2h ou 1d.',
});
