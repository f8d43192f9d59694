/**
 * The French texts: polite (vous), and worded so that they fit everybody, without « connecté(e) ».
 * French sets a space before some marks: `\u202f` (narrow) before ; ! ? and inside « », `\u00a0`
 * before a colon. Both keep the mark on the line of its word.
 */
import { markup } from './markup.ts';
import type { Messages } from './messages.ts';

/** The built-in French texts. */
export const FRENCH: Messages = {
  lang: 'fr',
  newTab: 's’ouvre dans un nouvel onglet',
  continueTo: (application) => markup`pour continuer vers ${application}`,
  about: {
    website: 'Site web',
    policy: 'Politique de confidentialité',
    terms: 'Conditions d’utilisation',
  },
  scopes: {
    openid: 'Confirmer votre identité',
    profile: 'Consulter votre nom et votre profil',
    email: 'Consulter votre adresse e-mail',
    address: 'Consulter votre adresse postale',
    phone: 'Consulter votre numéro de téléphone',
    offline_access: 'Garder son accès en votre absence',
  },
  login: {
    title: 'Se connecter',
    again: 'Confirmez votre identité',
    signedInAs: (account) =>
      markup`Votre session est ouverte au nom de ${account}. Par sécurité, veuillez vous identifier de nouveau.`,
    username: 'Identifiant',
    password: 'Mot de passe',
    show: 'Afficher',
    hide: 'Masquer',
    submit: 'Se connecter',
    cancel: 'Annuler',
    problem: (title) => `Problème\u00a0: ${title}`,
    credentials:
      'Cet identifiant et ce mot de passe ne correspondent pas. Veuillez les vérifier et réessayer.',
    limited: (seconds) => `Trop de tentatives. ${later(seconds)}`,
    idle: 'Cette page est restée ouverte longtemps. Veuillez vous connecter maintenant.',
  },
  account: {
    title: 'Choisir un compte',
    go: (account) => markup`Continuer en tant que ${account}`,
    another: 'Utiliser un autre compte',
    cancel: 'Annuler',
  },
  unvouched: {
    describedBy: (host) =>
      markup`C’est ${host} qui décrit cette application. Personne ne l’a vérifiée ici.`,
    itself: 'Cette application s’est enregistrée elle-même. Personne n’a vérifié son nom ici.',
    onThisComputer:
      'Elle fonctionne sur votre ordinateur, où tout programme peut se faire passer pour elle. Ne continuez que si vous venez d’y commencer la connexion.',
  },
  consent: {
    title: 'Autoriser l’accès\u202f?',
    whose: (account) => markup`Cette application demande à accéder au compte de ${account}.`,
    asks: 'L’application pourra',
    asksAlso: 'L’application pourra aussi',
    known: 'Vous l’avez déjà autorisée à',
    details: 'Vous autorisez ceci',
    nothing: 'L’application ne demande aucune de vos données.',
    writes: 'peut modifier des données',
    offline: 'Même en votre absence',
    offlineMeans:
      'L’application pourra continuer à utiliser cet accès lorsque votre session est fermée.',
    choose: 'Décochez ce que vous ne souhaitez pas autoriser.',
    withdraw: (provider) =>
      `Vous pouvez retirer cette autorisation à tout moment en contactant ${provider}.`,
    withdrawHere: 'Vous pouvez retirer cet accès à tout moment sur la page de votre compte.',
    allow: 'Autoriser',
    deny: 'Refuser',
    notYou: 'Ce n’est pas vous\u202f?',
    another: 'Utiliser un autre compte',
  },
  logout: {
    title: 'Se déconnecter\u202f?',
    asked: (application) => markup`à la demande de ${application}`,
    who: (account, provider) =>
      markup`Votre session chez ${provider} est ouverte au nom de ${account}. Les applications que vous avez ouvertes peuvent garder leur propre session.`,
    confirm: 'Se déconnecter',
    stay: 'Garder la session',
  },
  signedOut: {
    out: 'Votre session est fermée',
    outMeans: (provider) =>
      `Vous n’avez plus de session chez ${provider} dans ce navigateur. Vous pouvez fermer cette page.`,
    stayed: 'Votre session reste ouverte',
    stayedMeans: (provider) =>
      `Rien n’a changé\u00a0: votre session chez ${provider} reste ouverte dans ce navigateur. Vous pouvez fermer cette page.`,
    back: (application) => markup`Continuer vers ${application}`,
    home: (provider) => `Continuer vers ${provider}`,
  },
  device: {
    title: 'Connecter un appareil',
    lead: 'Saisissez le code affiché par votre appareil.',
    code: 'Code',
    submit: 'Continuer',
    unknown:
      'Ce code n’est pas valable. Vérifiez-le sur votre appareil\u202f; un code ne sert que quelques minutes.',
    limited: (seconds) => `Trop de codes erronés. ${later(seconds)}`,
  },
  deviceConfirmation: {
    title: 'Est-ce votre appareil\u202f?',
    whose: (application, account) =>
      markup`Un appareil avec ${application} demande à accéder au compte de ${account}.`,
    compare: 'Code sur l’appareil',
    place: 'Demande venant de',
    sameNetwork: 'le même réseau que le vôtre',
    otherNetwork: 'un autre réseau que le vôtre',
    warning:
      'Ne continuez que si vous êtes à l’origine de cette demande et si l’appareil devant vous affiche ce code. Si quelqu’un vous a envoyé le code ou un lien, choisissez «\u202fRefuser\u202f».',
    asks: 'L’appareil pourra',
    allow: 'Autoriser',
    deny: 'Refuser',
  },
  deviceResult: {
    allowed: 'Votre appareil est connecté',
    allowedMeans: (application) =>
      markup`${application} continue sans autre action sur votre appareil. Vous pouvez fermer cette page.`,
    denied: 'Aucun appareil n’a été connecté',
    deniedMeans: (application) =>
      markup`${application} n’obtient aucun accès sur cet appareil. Vous pouvez fermer cette page.`,
  },
  accountOverview: {
    title: 'Votre compte',
    whose: (account) => markup`Vous êtes connecté en tant que ${account}.`,
    sessions: 'Où vous êtes connecté',
    thisBrowser: 'Ce navigateur',
    signedIn: (time) => markup`Connexion le ${time}`,
    used: (time) => markup`Dernière utilisation le ${time}`,
    end: 'Déconnecter',
    endThis: 'Se déconnecter',
    endOthers: 'Se déconnecter partout ailleurs',
    applications: 'Applications autorisées',
    none: 'Vous n’avez autorisé aucune application à accéder à votre compte.',
    since: (time) => markup`Autorisée le ${time}`,
    may: 'Elle peut',
    start: (host) => `Se connecter sur ${host}`,
    withdraw: (application) => markup`Retirer l’accès de ${application}`,
  },
  formPost: {
    title: 'Retour à l’application',
    to: (host) =>
      markup`Votre réponse est transmise à ${host}. Si rien ne se passe, appuyez sur le bouton.`,
    submit: 'Continuer',
  },
  error: {
    returnTo: (host) => `Revenir à ${host}`,
    title: (status) => {
      if (status === 403) return 'Ce n’est pas autorisé';
      if (status === 404) return 'Page introuvable';
      if (status === 429) return 'Trop de tentatives';
      return status >= 500 ? 'Un problème est survenu' : 'Impossible de continuer';
    },
    advice: (status) => {
      if (status === 429) return 'Patientez un moment, puis réessayez.';
      if (status >= 500)
        return 'Le problème vient de nous. Veuillez réessayer dans quelques minutes.';
      return 'Revenez à l’application et recommencez. Si cela ne suffit pas, transmettez ces détails aux responsables de l’application.';
    },
    details: 'Détails',
    code: 'Erreur',
    reason: 'Motif',
    request: 'Requête',
  },
  home: {
    account: 'Votre compte',
    title: 'Ceci est un service de connexion',
    lead: 'Les applications dirigent ici les personnes qui se connectent. Il n’y a rien à faire sur cette page\u00a0: ouvrez l’application que vous souhaitez utiliser.',
    setup: (discovery) =>
      markup`Vous configurez une application\u202f? Elle trouve tout ce qu’il lui faut dans le ${discovery}.`,
    discovery: 'document de découverte',
  },
};

function later(seconds: number | null): string {
  return seconds === null ? 'Réessayez plus tard.' : `Réessayez dans ${duration(seconds)}.`;
}

function duration(seconds: number): string {
  const [count, unit] =
    seconds < 90
      ? [Math.max(1, Math.ceil(seconds)), 'seconde']
      : [Math.ceil(seconds / 60), 'minute'];
  // The number stays on the line of its unit.
  return `${count}\u00a0${unit}${count === 1 ? '' : 's'}`;
}
