import { notices as english } from '../en/notices.ts';
import { translationOf } from '../message.ts';

export const notices = translationOf(english)({
  subject: 'Notification d’une violation de données à caractère personnel : incident {id}',
  title: 'NOTIFICATION D’UNE VIOLATION DE DONNÉES À CARACTÈRE PERSONNEL',
  title_draft: 'NOTIFICATION D’UNE VIOLATION DE DONNÉES À CARACTÈRE PERSONNEL (brouillon)',
  basis: 'Loi 2024/017 relative à la protection des données à caractère personnel, article 22',
  basis_draft:
    'Loi 2024/017 relative à la protection des données à caractère personnel, article 22 (texte à confirmer par un juriste)',
  to: 'À : {authority}',
  from: 'De : {organisation}',
  unknown_authority: '[nom de l’autorité : breaches.authority dans la configuration]',
  unknown_organisation: '[nom de votre organisation : breaches.organisation dans la configuration]',
  fill_in: '[à compléter]',
  to_follow: 'pas encore connu ; sera communiqué',
  heading_nature: '1. Nature de la violation',
  nature: '{kind}. {means}',
  reference: 'Référence dans notre registre : {id}.',
  heading_time: '2. Quand',
  detected: 'Détectée : {time}.',
  deadline: 'Fin du délai de notification : {deadline}.',
  late: 'Cette notification est tardive. Motif : {open}',
  heading_data: '3. Données et personnes concernées',
  data_files: {
    one: '{count} fichier de la source « {source} » est connu comme concerné.',
    other: '{count} fichiers de la source « {source} » sont connus comme concernés.',
  },
  data_unknown: 'Le système ne sait pas combien de fichiers sont concernés : {open}',
  classification: 'Classification de ces fichiers : {classification}.',
  data_people: 'Catégories et nombre de personnes concernées : {open}',
  consequences: 'Conséquences probables pour elles : {open}',
  heading_measures: '4. Mesures prises',
  measure_infection:
    'Le fichier n’a été envoyé nulle part. Il a été traité selon la règle de quarantaine de sa source.',
  measure_late_detection:
    'Les restaurations laissent de côté ce qui a été trouvé infecté ; cela reste chiffré et verrouillé.',
  measure_tampering:
    'Les objets perdus ou modifiés ont été remplacés par des copies vérifiées quand il y en avait ; les autres sont stockés de nouveau.',
  measure_lock_mismatch: 'Les verrous ont été prolongés là où le stockage le permet.',
  measure_audit_mismatch:
    'Les têtes signées du journal d’audit, dans le stockage, sont gardées comme preuve.',
  measure_planted_object: 'Ce qui ne vient pas de nous n’est jamais lu par les restaurations.',
  measure_unauthorised_access: 'Chaque tentative a été refusée et enregistrée.',
  measure_policy_bypass: 'La tentative a été refusée ou enregistrée, avec son auteur.',
  measure_mass_change:
    'L’expiration des états plus anciens est suspendue, et l’état d’avant reste verrouillé.',
  measure_encrypted: 'Tout contenu stocké est chiffré ; l’hébergeur du stockage n’a pas les clés.',
  measures_more: 'Autres mesures : {open}',
  heading_contact: '5. Contact',
  contact: '{name}, {role}, {phone}, {email}',
  heading_details: '6. Précisions du registre',
  own_words: 'Avec nos mots : {detail}',
});
