/**
 * The applications: Online Boutique, Bookinfo, Sock Shop as their sources wire them, each with what clusters add: names outside,
 * metrics, nightly and weekly jobs, agents on the nodes' own network.
 */

import { type Application, ApplicationText, type Workload } from './application.ts';

function platform(): Application {
  return new ApplicationText('platform')
    .workload('dns', { labels: { 'k8s-app': 'kube-dns' }, replicas: 2 })
    .workload('gateway', { labels: { app: 'gateway', 'app.kubernetes.io/instance': 'edge' }, replicas: 2 })
    .workload('prometheus', { kind: 'StatefulSet' })
    .workload('statsd')
    .workload('node-exporter', { kind: 'DaemonSet', replicas: 3, hostNetwork: true })
    .edge('outside', 'gateway:8443', { service: 443 })
    .edge('gateway', 'statsd:8125', { transport: 'UDP' })
    .edge('prometheus', 'node-exporter:9100', { requests: ['GET /metrics'] })
    .edge('prometheus', 'gateway:15020', { requests: ['GET /stats/prometheus'] })
    .made();
}

const metrics = { requests: ['GET /metrics'] };
const statsd = { transport: 'UDP' } as const;

/** The 16 calls of Online Boutique, and its frontend from outside. */
function boutique(shared: readonly Workload[]): Application {
  const text = new ApplicationText('boutique', shared);
  for (const name of ['frontend', 'cartservice', 'currencyservice']) text.workload(name, { replicas: 2 });
  for (const name of ['adservice', 'checkoutservice', 'emailservice', 'loadgenerator', 'paymentservice'])
    text.workload(name);
  for (const name of ['productcatalogservice', 'recommendationservice', 'shippingservice'])
    text.workload(name);
  return text
    .workload('redis-cart', { kind: 'StatefulSet' })
    .workload('orders-report', { kind: 'CronJob', runs: 'daily' })
    .workload('catalog-import', { kind: 'CronJob', runs: 'weekly' })
    .edge('outside', 'frontend:8080', { service: 80, requests: boutiquePages })
    .edge('loadgenerator', 'frontend:8080', { service: 80, requests: boutiquePages })
    .edge('frontend', 'productcatalogservice:3550')
    .edge('frontend', 'currencyservice:7000')
    .edge('frontend', 'cartservice:7070')
    .edge('frontend', 'recommendationservice:8080')
    .edge('frontend', 'adservice:9555')
    .edge('frontend', 'shippingservice:50051')
    .edge('frontend', 'checkoutservice:5050')
    .edge('checkoutservice', 'productcatalogservice:3550')
    .edge('checkoutservice', 'currencyservice:7000')
    .edge('checkoutservice', 'cartservice:7070')
    .edge('checkoutservice', 'shippingservice:50051')
    .edge('checkoutservice', 'paymentservice:50051')
    .edge('checkoutservice', 'emailservice:8080', { service: 5000 })
    .edge('recommendationservice', 'productcatalogservice:3550')
    .edge('cartservice', 'redis-cart:6379')
    .edge('paymentservice', 'api.payments.example@cdn:443')
    .edge('emailservice', 'smtp.mail.example@mail:587')
    .edge('adservice', 'ads.partner.example@cdn:443')
    .edge('frontend', 'platform/statsd:8125', statsd)
    .edge('checkoutservice', 'platform/statsd:8125', statsd)
    .edge('platform/prometheus', 'redis-cart:9121', metrics)
    .edge('orders-report', 'redis-cart:6379', { pace: 'daily' })
    .edge('orders-report', 'shard-{number}.blobs.example@blobs:443', { pace: 'daily' })
    .edge('catalog-import', 'productcatalogservice:3550', { pace: 'weekly' })
    .edge('catalog-import', 'feeds.supplier.example@cdn:443', { pace: 'weekly' })
    .edge('shippingservice', 'rates.carrier.example@cdn:443', { pace: 'daily' })
    .edge('paymentservice', 'crl.payments.example@cdn:80', { pace: 'weekly' })
    .made();
}

const boutiquePages = [
  ...['GET /', 'GET /product/{word}', 'GET /cart', 'POST /cart', 'POST /setCurrency', 'POST /cart/checkout'],
  ...['GET /static/styles/cart.css', 'GET /assistant', 'POST /cart/empty'],
];

function bookinfo(shared: readonly Workload[]): Application {
  const text = new ApplicationText('bookinfo', shared);
  text.workload('productpage', { labels: { app: 'productpage', version: 'v1' }, replicas: 2 });
  for (const name of ['details', 'reviews', 'ratings'])
    text.workload(name, { labels: { app: name, version: 'v1' }, replicas: 2 });
  return text
    .workload('mongodb', { kind: 'StatefulSet', labels: { app: 'mongodb', version: 'v1' } })
    .workload('backup', { kind: 'CronJob', runs: 'daily' })
    .edge('platform/gateway', 'productpage:9080', {
      requests: [
        ...['GET /productpage', 'GET /api/v1/products/{number}/reviews', 'GET /api/v1/products'],
        ...['GET /static/bootstrap.css', 'POST /login', 'GET /logout'],
      ],
    })
    .edge('productpage', 'details:9080', { requests: ['GET /details/{number}', 'GET /health'] })
    .edge('productpage', 'reviews:9080', { requests: ['GET /reviews/{number}', 'GET /health'] })
    .edge('reviews', 'ratings:9080', { requests: ['GET /ratings/{number}', 'PUT /ratings/{number}'] })
    .edge('ratings', 'mongodb:27017')
    .edge('details', 'books.catalogue.example@cdn:443')
    .edge('platform/prometheus', 'productpage:9080', metrics)
    .edge('backup', 'mongodb:27017', { pace: 'daily' })
    .edge('backup', 'shard-{number}.blobs.example@blobs:443', { pace: 'daily' })
    .made();
}

function sockShop(shared: readonly Workload[]): Application {
  const text = new ApplicationText('sock-shop', shared);
  text.workload('front-end', { labels: { name: 'front-end' }, replicas: 2 });
  for (const name of ['catalogue', 'carts', 'orders', 'payment', 'queue-master', 'shipping', 'user'])
    text.workload(name, { labels: { name } });
  for (const name of ['catalogue-db', 'carts-db', 'orders-db', 'user-db', 'session-db', 'rabbitmq'])
    text.workload(name, { kind: 'StatefulSet', labels: { name } });
  return text
    .workload('settlement', { kind: 'CronJob', labels: { name: 'settlement' }, runs: 'weekly' })
    .edge('platform/gateway', 'front-end:8079', {
      service: 80,
      requests: [
        ...[
          'GET /',
          'GET /catalogue',
          'GET /catalogue/{uuid}',
          'GET /cart',
          'POST /cart',
          'GET /basket.html',
        ],
        ...['DELETE /cart/{uuid}', 'POST /orders', 'GET /customers/{hex}', 'GET /login', 'POST /register'],
      ],
    })
    .edge('front-end', 'catalogue:80', {
      requests: ['GET /catalogue', 'GET /catalogue/{uuid}', 'GET /catalogue/size', 'GET /tags'],
    })
    .edge('front-end', 'carts:80', {
      requests: [
        ...['GET /carts/{hex}/items', 'POST /carts/{hex}/items', 'GET /carts/{hex}/merge'],
        ...['DELETE /carts/{hex}/items/{uuid}', 'DELETE /carts/{hex}'],
      ],
    })
    .edge('front-end', 'orders:80', {
      requests: ['POST /orders', 'GET /orders/search/customerId', 'GET /orders/{hex}'],
    })
    .edge('front-end', 'user:80', {
      requests: [
        'GET /login',
        'GET /customers/{hex}',
        'POST /register',
        'GET /cards/{hex}',
        'POST /addresses',
      ],
    })
    .edge('front-end', 'session-db:6379')
    .edge('catalogue', 'catalogue-db:3306')
    .edge('carts', 'carts-db:27017')
    .edge('orders', 'orders-db:27017')
    .edge('user', 'user-db:27017')
    .edge('orders', 'carts:80', { requests: ['GET /carts/{hex}/items'] })
    .edge('orders', 'user:80', {
      requests: ['GET /customers/{hex}', 'GET /cards/{hex}', 'GET /addresses/{hex}'],
    })
    .edge('orders', 'payment:80', { requests: ['POST /paymentAuth'] })
    .edge('orders', 'shipping:80', { requests: ['POST /shipping'] })
    .edge('shipping', 'rabbitmq:5672')
    .edge('queue-master', 'rabbitmq:5672')
    .edge('payment', 'gateway.bank.example@cdn:443')
    .edge('platform/prometheus', 'front-end:8079', metrics)
    .edge('platform/prometheus', 'orders:80', metrics)
    .edge('settlement', 'orders-db:27017', { pace: 'weekly' })
    .edge('settlement', 'files.bank.example@mail:22', { pace: 'weekly' })
    .edge('queue-master', 'labels.carrier.example@cdn:443', { pace: 'daily' })
    .made();
}

const wired = { boutique, bookinfo, 'sock-shop': sockShop } as const;
export type ApplicationName = keyof typeof wired;
export const applicationNames = Object.keys(wired) as readonly ApplicationName[];

/** Those named, and the platform they run on first. */
export function applications(names: readonly ApplicationName[]): Application[] {
  const below = platform();
  return [below, ...names.map(name => wired[name](below.workloads))];
}
