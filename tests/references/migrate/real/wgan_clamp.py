"""WGAN: RMSprop, the critic's weights clamped after every step, the generator every fifth batch."""
import torch
import torch.nn as nn

n_epochs, lr, n_critic, clip_value, latent_dim = 4, 5e-4, 3, 0.05, 4


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(nn.Linear(latent_dim, 12), nn.LeakyReLU(0.2), nn.Linear(12, 2))

    def forward(self, z):
        return self.model(z)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(nn.Linear(2, 12), nn.LeakyReLU(0.2), nn.Linear(12, 1))

    def forward(self, img):
        return self.model(img)


torch.manual_seed(4)
generator = Generator()
discriminator = Discriminator()
dataloader = [torch.randn(10, 2) + 1 for _ in range(6)]

# Optimizers
optimizer_G = torch.optim.RMSprop(generator.parameters(), lr=lr)
optimizer_D = torch.optim.RMSprop(discriminator.parameters(), lr=lr)

batches_done = 0
for epoch in range(n_epochs):

    for i, real_imgs in enumerate(dataloader):

        # ---------------------
        #  Train Discriminator
        # ---------------------
        optimizer_D.zero_grad()

        # Sample noise as generator input
        z = torch.randn(real_imgs.shape[0], latent_dim)

        # Generate a batch of images
        fake_imgs = generator(z).detach()
        # Adversarial loss
        loss_D = -torch.mean(discriminator(real_imgs)) + torch.mean(discriminator(fake_imgs))

        loss_D.backward()
        optimizer_D.step()

        # Clip weights of discriminator
        for p in discriminator.parameters():
            p.data.clamp_(-clip_value, clip_value)

        # Train the generator every n_critic iterations
        if i % n_critic == 0:

            # -----------------
            #  Train Generator
            # -----------------
            optimizer_G.zero_grad()

            # Generate a batch of images
            gen_imgs = generator(z)
            # Adversarial loss
            loss_G = -torch.mean(discriminator(gen_imgs))

            loss_G.backward()
            optimizer_G.step()

            print("[Epoch %d/%d] [D loss: %f] [G loss: %f]" % (epoch, n_epochs, loss_D.item(), loss_G.item()))
        batches_done += 1
