/** What errors mean, for each kind of database. */
import type { Faults } from '../dialect.ts';
import { MYSQL_FAULTS } from './mysql-faults.ts';
import { POSTGRES_FAULTS } from './postgres-faults.ts';
import { SQLITE_FAULTS } from './sqlite-faults.ts';

export const FAULTS: readonly Faults[] = [SQLITE_FAULTS, POSTGRES_FAULTS, MYSQL_FAULTS];
