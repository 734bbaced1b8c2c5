/** The one page of the codec server, in English and French: where a browser is given a token, once. */

/** No script, no style, nothing from anywhere; forms go to this server only. */
export const pagePolicy = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const frame = (body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Holdfast codec server</title></head>
<body><h1>Holdfast codec server</h1>
${body}
</body></html>
`;

const remarks = {
  refused: 'This token is not valid, or not any more. / Ce jeton n’est pas valable, ou ne l’est plus.',
  wait: 'Too many wrong tokens: try again in a minute. / Trop de jetons erronés : réessayez dans une minute.',
} as const;

export const signInPage = (remark?: keyof typeof remarks): string =>
  frame(`${remark === undefined ? '' : `<p><strong>${remarks[remark]}</strong></p>`}
<p>Give your token to see decrypted payloads in the Web UI of Temporal in this browser. Each access is recorded under the
token's name.</p>
<p lang="fr">Donnez votre jeton pour voir les données déchiffrées dans l'interface de Temporal avec ce navigateur. Chaque accès
est consigné au nom du jeton.</p>
<form method="post" action="/sign-in"><label>Token / jeton: <input type="password" name="token" autocomplete="off" required></label>
<button>Sign in / Se connecter</button></form>`);

/** `name` and `endpoint` as text that needs no escaping: the command that made them saw to that. */
export const signedInPage = (name: string, endpoint: string): string =>
  frame(`<p>Signed in as ${name}. In the Web UI of Temporal open the codec server settings (the glasses at the top right), give
<code>${endpoint}</code> as endpoint, and switch on "Include cross-origin credentials".</p>
<p lang="fr">Connecté : ${name}. Dans l'interface de Temporal, ouvrez les réglages du serveur de décodage (les lunettes en haut à
droite), donnez l'adresse <code>${endpoint}</code> et cochez « Include cross-origin credentials ».</p>
<form method="post" action="/sign-out"><button>Sign out / Se déconnecter</button></form>`);
