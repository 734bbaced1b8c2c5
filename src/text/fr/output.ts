import { output as english } from '../en/output.ts';
import { translationOf } from '../message.ts';

export const output = translationOf(english)({
  unexpected: 'erreur inattendue, merci de la signaler :',
  byte_letter: 'o',
});
