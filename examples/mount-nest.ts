/** A provider inside a NestJS application. Run it: `npx tsx examples/mount-nest.ts` */
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { expressValetkey } from 'valetkey/express';
import { announce, makeProvider, port } from './mount-provider.ts';

@Controller()
class HomeController {
  @Get()
  home(): string {
    return 'The application itself';
  }
}

@Module({ controllers: [HomeController] })
class AppModule {}

const provider = makeProvider();
const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] });
// Global prefixes, guards and pipes of NestJS do not apply to what is mounted with `use`.
app.use(expressValetkey(provider));

await app.listen(port, 'localhost');
await announce(provider);
