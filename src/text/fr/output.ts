import { output as english } from '../en/output.ts';
import { translationOf } from '../message.ts';

export const output = translationOf(english)({
  told: 'holdfast : {message}',
  unexpected: 'erreur inattendue, merci de la signaler :',
  byte_letter: 'o',
  endpoint_takes: '--endpoint attend une adresse comme https://s3.example.org ou http://192.0.2.7:9000.',
  the_bucket: 'le compartiment',
  no_time: '« {given} » n’est pas un moment.{help}',
  in_future: '« {given} » est dans le futur.{help}',
  not_new_file:
    '{file} ne peut pas être créé comme nouveau fichier : il existe déjà, ou son dossier n’existe pas ou n’est pas accessible en écriture.',
});
