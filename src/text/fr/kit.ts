import { kit as english } from '../en/kit.ts';
import { translationOf } from '../message.ts';

export const kit = translationOf(english)({
  title: 'KIT DE SECOURS HOLDFAST',
  danger: 'Qui a cette feuille et un accès au compartiment peut tout lire.',
  keep: 'Imprimez-la, et gardez-la loin de la machine et de son mot de passe.',
  made: 'Établi :',
  repository: 'Dépôt :',
  destination: 'Destination :',
  bucket: 'compartiment',
  prefix: 'préfixe {prefix}',
  region: 'région {region}',
  key: 'Clé de secours :',
  key_form: '(neuf groupes de quatre ; elle n’a ni I, ni L, ni O, ni U)',
  this_machine: 'SUR CETTE MACHINE, dans {folder} : elle est perdue avec la machine',
  steps: 'Pour tout récupérer :',
  step_machine:
    'Prenez une machine nue avec Node 20 ou plus récent et installez-y Holdfast. Rien d’autre n’est nécessaire : ni base de données, ni configuration.',
  step_same_machine:
    'Le compartiment est sur la machine où ce kit a été établi. Apportez une copie de {folder} sur la nouvelle, indiquez-la dans HOLDFAST_HOME, et démarrez son serveur S3 : holdfast up --only s3. Adresse et identifiants : holdfast status --json.',
  step_credentials:
    'Procurez-vous une clé d’accès au compartiment qui permet d’énumérer les versions et de lire les objets, et renseignez AWS_ACCESS_KEY_ID et AWS_SECRET_ACCESS_KEY.',
  step_run: 'Lancez : holdfast recover {options} --to /un/dossier',
  step_key:
    'Quand le mot de passe est demandé, tapez la clé de secours. Espaces, tirets et minuscules ne changent rien.',
  step_end:
    'La commande dit ce qui a été récupéré, et ce qui n’a pas pu l’être. Les formats sont dans docs/format.md, si Holdfast lui-même venait à disparaître.',
  check: 'Vérifiez dès aujourd’hui que cela fonctionne : holdfast key verify-kit',
  other: 'La même chose en français',
});
