/** The one importer of tsyringe, which throws as it loads unless reflect-metadata has loaded before it. */

import 'reflect-metadata';

export { container, type DependencyContainer, type InjectionToken, inject, injectable } from 'tsyringe';
